export { BoxEmulator } from './box-emulator.js';
export { type BoxEmulatorOptions } from './emulator-assembly.js';
export { type RouteHandler, type TokenHook } from './api-origin.js';
export { type BoxConfigJson, type EmulatedUser } from './emulated-app.js';
export {
  type EmulatedFile,
  type EmulatedFolder,
  type NewFile,
  type NewItem,
} from './emulated-drive.js';
export { type EmulatedGrant } from './emulated-token-endpoint.js';
export { FakeBox } from './fake-box.js';
export { type FakeBoxActing, type FakeBoxCall, type FakeBoxPath } from './fake-box-calls.js';
export { type FakeBoxReplier, type FakeBoxReply } from './fake-box-replies.js';
export { type FakeTokenFailure } from './fake-box-tokens.js';
export { type Fault, type FaultTarget } from './faults.js';
export { type RecordedRequest } from './request-log.js';
export { type TokenSubject } from './token-ledger.js';
export { tokenStoreConformance, type TokenStoreCase } from './token-store-conformance.js';
export { type TokenStoreHarness } from './token-store-stage.js';
export {
  type ExchangeFault,
  type SessionFault,
  type WorkfrontRefusal,
} from './workfront/refusals.js';
export { type WorkfrontCredentials } from './workfront/workfront-application.js';
export { type WorkfrontEmulatorOptions } from './workfront/workfront-assembly.js';
export { WorkfrontEmulator } from './workfront/workfront-emulator.js';
export { type WorkfrontFaultTarget } from './workfront/workfront-origin.js';
