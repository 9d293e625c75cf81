import { defineErrors, type StandardSchema, safe, type UnexpectedAnswer, WellKnown } from '../../../errors/index.ts'

// The union that `safe` returns. This file is compiled and never run: `@ts-expect-error` fails to compile without an
// error.

/** Whether two types are identical, which is stricter than assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_proof: Same<A, B>): void => {}

/** Compiles only where every member of a union has been handled. */
declare function unreachable(value: never): never

declare const item: StandardSchema<{ id: string }>
declare const first: StandardSchema<{ first: number }>
declare const second: StandardSchema<{ second: number }>
const Errors = defineErrors({
  ITEM_NOT_FOUND: { status: 404, message: 'No {id}.', context: item },
  SOLD_OUT: { status: 409, message: 'Sold out.' },
  // Two entries with one code are one case.
  FIRST_FAILED: { status: 502, code: 'FAILED', message: 'First.', context: first },
  SECOND_FAILED: { status: 502, code: 'FAILED', message: 'Second.', context: second },
})

interface ItemResponse extends Response {
  json(): Promise<{ id: string }>
}
declare const response: Promise<ItemResponse>

export async function everyErrorHasACase(): Promise<string | number> {
  const answer = await safe(response, Errors)
  if (answer.ok) {
    same<typeof answer.data, { id: string }>(true)
    return answer.data.id
  }
  const { error } = answer
  same<typeof error.code, 'ITEM_NOT_FOUND' | 'SOLD_OUT' | 'FAILED' | 'UNEXPECTED_ANSWER'>(true)
  switch (error.code) {
    case 'ITEM_NOT_FOUND':
      same<typeof error.context, { id: string }>(true)
      return error.context.id
    case 'SOLD_OUT':
      same<typeof error.context, undefined>(true)
      return error.status
    case 'FAILED':
      same<typeof error.context, { first: number } | { second: number }>(true)
      return 'first' in error.context ? error.context.first : error.context.second
    case 'UNEXPECTED_ANSWER':
      same<typeof error, UnexpectedAnswer>(true)
      return error.message
    default:
      return unreachable(error)
  }
}

export async function aForgottenErrorDoesNotCompile(): Promise<string> {
  const answer = await safe(response, Errors)
  if (answer.ok) return answer.data.id
  switch (answer.error.code) {
    case 'ITEM_NOT_FOUND':
    case 'FAILED':
    case 'UNEXPECTED_ANSWER':
      return answer.error.message
    default:
      // @ts-expect-error SOLD_OUT has no case
      return unreachable(answer.error)
  }
}

export async function aServiceThatIsDownHasACase(): Promise<string> {
  const answer = await safe(response, Errors)
  if (answer.ok) return answer.data.id
  switch (answer.error.code) {
    case 'ITEM_NOT_FOUND':
    case 'SOLD_OUT':
    case 'FAILED':
      return answer.error.message
    default:
      // @ts-expect-error UNEXPECTED_ANSWER has no case
      return unreachable(answer.error)
  }
}

export async function anUnknownCodeDoesNotCompile(): Promise<boolean> {
  const answer = await safe(response, Errors)
  // @ts-expect-error no entry has this code
  return !answer.ok && answer.error.code === 'SOLD_OUTT'
}

export async function theLibrarysCodesAreCasesIfTheyAreAsked(): Promise<number | undefined> {
  const answer = await safe(response, { ...Errors, ...WellKnown })
  if (answer.ok) return undefined
  if (answer.error.code === 'VALIDATION_ERROR') return answer.error.context.errors.length
  if (answer.error.code === 'CIRCUIT_OPEN') return answer.error.retryAfterMs
  // @ts-expect-error codes are left
  return unreachable(answer.error)
}
