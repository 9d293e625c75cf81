export type { ResilientFetchOptions, ResponseShield } from './options.ts'
export { resilientFetch } from './resilient-fetch.ts'
export type { UpstreamCode, UpstreamFailure, UpstreamTarget } from './upstream-error.ts'
export { BodyNotReplayableError, UpstreamError } from './upstream-error.ts'
