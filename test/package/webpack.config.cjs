// As docs/runtimes.md shows it.
const optionalPackages =
  /^(@nestjs\/(microservices|platform-express|websockets)|class-(transformer|validator))(\/|$)/;

module.exports = {
  mode: 'production',
  target: 'node20',
  entry: './consumer-lambda.mjs',
  output: { path: __dirname, filename: 'lambda.webpack.cjs', library: { type: 'commonjs2' } },
  externals: optionalPackages,
  // The bundle of esbuild is minified, in a tenth of the time.
  optimization: { minimize: false },
};
