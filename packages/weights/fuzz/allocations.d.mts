export declare function withAllocationLimit<T>(limit: number, action: () => Promise<T>): Promise<T>;
