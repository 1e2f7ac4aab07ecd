// Node sets undici's global dispatcher when it first loads fetch. Before that, an import of undici from npm would set its own.
void new Headers();
