#!/usr/bin/env node
import { tolerateClosedPipe, processContext } from './process-context.js';
import { runProgram } from './program.js';

tolerateClosedPipe(process.stdout);
tolerateClosedPipe(process.stderr);
process.exitCode = await runProgram(process.argv.slice(2), processContext());
