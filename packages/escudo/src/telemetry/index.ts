export type { PolicyLine } from './policy-lines.ts'
export { policyLine } from './policy-lines.ts'
export { subscribe } from './subscribe.ts'
