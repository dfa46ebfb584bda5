/** What users would install: every public package's tarball, checked by publint and for type resolution. */
import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { expect, inject, test } from "vitest";

for (const [name, tarball] of Object.entries(inject("tarballs"))) {
  test(`${name}: publint finds nothing`, async () => {
    const file = readFileSync(tarball);
    const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test(`${name}: types resolve for ESM and bundlers`, async () => {
    const { problems, types } = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    expect(types, "types included").toBeTruthy();
    // CommonJS cannot require an ES module without a flag on every Node that is supported: `import()` works there.
    const relevant = problems.filter(
      ({ kind, resolutionKind }) =>
        kind !== "CJSResolvesToESM" && resolutionKind !== "node10" && resolutionKind !== "node16-cjs",
    );
    expect(relevant).toEqual([]);
  });
}
