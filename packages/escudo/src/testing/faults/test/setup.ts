import { expect } from 'vitest'

/** Calls a function one by one and marks each call: `X` rejected, `.` fulfilled. */
export async function hits(injected: () => Promise<unknown>, count: number): Promise<string> {
  let marks = ''
  for (let call = 0; call < count; call += 1) {
    marks += await injected().then(
      () => '.',
      () => 'X',
    )
  }
  return marks
}

/** The reason with which a promise rejects. Fails the test if it fulfils. */
export function reasonOf(promise: Promise<unknown>): Promise<Error & { cause?: { code?: string } }> {
  return promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason) => reason as Error & { cause?: { code?: string } },
  )
}
