export {
  BoxAuthInstrumentation,
  type BoxAuthInstrumentationConfig,
} from './box-auth.instrumentation.js';
export { instrumentBoxAuth, type TelemetryProviders } from './instrument-box-auth.js';
