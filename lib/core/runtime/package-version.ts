/** The version in `package.json`, which bundled apps do not contain. A test compares the two. */
export const PACKAGE_VERSION = '0.1.0';
