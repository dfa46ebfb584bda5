/** @textower/vector-files: files of embeddings, read and written as streams. Importing does nothing. */
export { openParquetTable, openVectorFile } from "./open.js";
export type { OpenVectorFileOptions, VectorSource } from "./open.js";
export { VECTOR_FORMATS } from "./vector-file.js";
export type { BatchOptions, VectorBatch, VectorFile, VectorFormat } from "./vector-file.js";
export { createVectorWriter, vectorFormatOf } from "./create.js";
export type {
  ByteSink,
  ColumnDeclaration,
  ColumnType,
  VectorWriter,
  WriterOptions,
} from "./vector-writer.js";
export { VectorFileError } from "./errors.js";
export type { VectorFileErrorCode } from "./errors.js";
export type { ParquetTable } from "./parquet/table.js";
export { shortDecimal } from "./jsonl/decimal.js";
export { chunksOf, splitLines } from "./lines.js";
export type { Line, LineOptions } from "./lines.js";
