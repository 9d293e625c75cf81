import { factsOf } from '../../errors/error-facts.ts'

/** Whether an error is the dependency's answer, such as a 404, and not a failure. An answer removes the old value. */
export function isAnswer(error: unknown): boolean {
  const facts = factsOf(error)
  if (facts === undefined || facts.refusal === true || facts.verdict === 'failure') return false
  return facts.kind === 'business' || facts.verdict === 'success'
}
