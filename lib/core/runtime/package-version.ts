/** The version in `package.json`, which bundled apps do not contain. A test compares the two. */
export const PACKAGE_VERSION = '1.0.0-rc.0';
