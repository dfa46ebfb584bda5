"""Writes test/data as Python tools write vectors. Run once, by hand; the files are committed.

    pip install numpy==2.4.6 pyarrow==25.0.1 pandas==3.0.6 polars==1.44.2 safetensors==0.8.0
    python packages/vector-files/test/make-data.py

Vectors are v[row, column] = sin(row * 7 + column) / 4, as `expected` in files.ts computes them too.
"""
import json
import pathlib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "data"
OUT.mkdir(exist_ok=True)
ROWS, WIDTH = 37, 5
grid = np.arange(ROWS)[:, None] * 7 + np.arange(WIDTH)[None, :]
vectors = np.sin(grid.astype(np.float64)) / 4
ids = [f"img-{i:03d}" for i in range(ROWS)]
captions = [None if i == 11 else f"caption {i} – é" for i in range(ROWS)]
likes = np.arange(ROWS) * 1000

for name, dtype in [("f2", "<f2"), ("f4", "<f4"), ("f8", "<f8"), ("f4-big", ">f4"), ("f8-big", ">f8")]:
    np.save(OUT / f"c-{name}.npy", vectors.astype(dtype))
np.save(OUT / "fortran-f4.npy", np.asfortranarray(vectors.astype("<f4")))
np.save(OUT / "fortran-f2.npy", np.asfortranarray(vectors.astype("<f2")))
for version in [(2, 0), (3, 0)]:
    with open(OUT / f"version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, vectors.astype("<f4"), version=version)
np.save(OUT / "empty.npy", np.zeros((0, WIDTH), "<f4"))
np.save(OUT / "one-dimension.npy", vectors.astype("<f4")[0])
np.save(OUT / "integers.npy", np.zeros((3, 4), "<i8"))
np.save(OUT / "objects.npy", np.array([["a", None]], dtype=object))
np.save(OUT / "not-finite.npy", np.array([[1, 2], [3, np.nan]], "<f4"))

save_file({"image_embeddings": vectors.astype(np.float16), "logit_scale": np.float32([4.6])}, OUT / "one.safetensors")
save_file({"images": vectors.astype(np.float32), "texts": vectors[::-1].copy()}, OUT / "two.safetensors")

with open(OUT / "fields.jsonl", "w", encoding="utf-8") as file:
    for i in range(ROWS):
        row = {"id": ids[i], "caption": captions[i], "vector": vectors[i].astype(np.float32).tolist()}
        file.write(json.dumps(row) + "\n")
with open(OUT / "lists.jsonl", "w", encoding="utf-8") as file:
    for i in range(ROWS):
        file.write(json.dumps(vectors[i].tolist()) + "\n")

frame = pd.DataFrame({"id": ids, "caption": captions, "likes": likes, "embedding": list(vectors.astype(np.float32))})
frame.to_parquet(OUT / "pandas-snappy.parquet")
frame.to_parquet(OUT / "pandas-zstd.parquet", compression="zstd")
frame.to_parquet(OUT / "pandas-gzip.parquet", compression="gzip")
columns = {"id": ids, "caption": captions, "likes": likes}
flat = pa.array(vectors.astype(np.float32).ravel())
fixed = pa.FixedSizeListArray.from_arrays(flat, WIDTH)
pq.write_table(pa.table({**columns, "v": fixed}), OUT / "pyarrow-fixed.parquet", row_group_size=10)
doubles = pa.array(vectors.tolist(), pa.list_(pa.float64()))
pq.write_table(pa.table({**columns, "v": doubles}), OUT / "pyarrow-double-v2.parquet", data_page_version="2.0",
               compression="zstd", data_page_size=200, write_batch_size=3, row_group_size=20)
halves = pa.array(vectors.astype(np.float16).tolist(), pa.list_(pa.float16()))
pq.write_table(pa.table({**columns, "v": halves}), OUT / "pyarrow-half.parquet", use_dictionary=False)
pq.write_table(pa.table({**columns, "v": pa.array(vectors.astype(np.float32).tolist(), pa.list_(pa.float32()))}),
               OUT / "pyarrow-split.parquet", use_dictionary=False,
               column_encoding={"v.list.element": "BYTE_STREAM_SPLIT", "id": "DELTA_BYTE_ARRAY",
                                "likes": "DELTA_BINARY_PACKED", "caption": "DELTA_LENGTH_BYTE_ARRAY"})
polars = pl.DataFrame(columns).with_columns(v=pl.Series(vectors.astype(np.float32).tolist(), dtype=pl.List(pl.Float32)))
polars.write_parquet(OUT / "polars-zstd.parquet")
polars.with_columns(v=pl.col("v").cast(pl.Array(pl.Float32, WIDTH))).write_parquet(OUT / "polars-array.parquet",
                                                                                    row_group_size=16, data_page_size=256)
ragged = vectors.astype(np.float32).tolist()
ragged[20] = ragged[20][:-1]
pq.write_table(pa.table({"v": pa.array(ragged, pa.list_(pa.float32()))}), OUT / "ragged.parquet")
missing = vectors.astype(np.float32).tolist()
missing[20] = None
pq.write_table(pa.table({"v": pa.array(missing, pa.list_(pa.float32()))}), OUT / "missing.parquet")
pq.write_table(pa.table({"a": fixed, "b": fixed}), OUT / "ambiguous.parquet")
