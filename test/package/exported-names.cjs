// Prints what entry points export: `node exported-names.cjs import nestjs-box-auth nestjs-box-auth/axios`, or `… require …`.
const [, , way, ...entryPoints] = process.argv;

void (async () => {
  for (const name of entryPoints) {
    /** @type {object} */
    // oxlint-disable-next-line typescript/no-unsafe-assignment -- whichever of ours it is
    const exported = await (way === 'import' ? import(name) : require(name));
    process.stdout.write(`${name}: ${Object.keys(exported).toSorted().join(', ')}\n`);
  }
})();
