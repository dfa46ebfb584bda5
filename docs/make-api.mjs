/**
 * Makes the API reference from the docstrings of every public package's entry points, in `docs/api`.
 *
 *   node docs/make-api.mjs [FOLDER]     after `pnpm build`; ends with 1 if a link in a docstring leads nowhere
 */
import { join } from "node:path";
import { Application } from "typedoc";
import { publicPackages, root } from "../scripts/workspace.mjs";

const out = process.argv[2] ?? join(root, "docs/api");
/** What a page imports → the file that declares it. */
const entries = publicPackages().flatMap(({ folder, name, manifest }) =>
  Object.entries(manifest.exports)
    .filter(([, { types }]) => types !== undefined && !types.endsWith("kernels.d.ts"))
    .map(([path, { types }]) => ({ specifier: join(name, path), file: join(folder, types) })),
);
const app = await Application.bootstrap({
  name: "textower",
  entryPoints: entries.map(({ file }) => join(root, file)),
  tsconfig: join(root, "docs/tsconfig.api.json"),
  out,
  readme: join(root, "docs/README.md"),
  skipErrorChecking: true, // the compiler of the build has done that
  excludePrivate: true,
  excludeExternals: true,
  hideGenerator: true,
  disableSources: true,
  validation: { invalidLink: true, notExported: false },
  logLevel: "Warn",
});
const project = await app.convert();
if (project === undefined) process.exit(1);
// Modules are called after their files; users know them by what they import.
for (const module of project.children ?? []) {
  const entry = entries.find(
    ({ file }) => file.replace(/(\/index)?\.d\.ts$/, "") === `packages/${module.name}`,
  );
  if (entry !== undefined) module.name = entry.specifier;
}
app.validate(project);
await app.generateOutputs(project);
process.exit(app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0);
