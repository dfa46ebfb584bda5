/** @textower/bulk: files of captions to files of vectors. Importing does nothing. */
export {};
