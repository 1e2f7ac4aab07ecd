export {
  BoxAuthInstrumentation,
  type BoxAuthInstrumentationConfig,
} from './box-auth.instrumentation.js';
export {
  instrumentBoxAuth,
  type TelemetryOptions,
  type TelemetryProviders,
} from './instrument-box-auth.js';
