export type { ResilienceOptions, ResilientRequestOptions, UndiciAnswer, UndiciShield } from './options.ts'
export { resilience } from './resilience.ts'
export { resilientRequest } from './resilient-request.ts'
