/** The operation of the success cases: asynchronous, and as cheap as one can be. */
export const succeed = async (): Promise<number> => 1

/** One error for all failures: the price of making an error, stack and all, is not what is measured. */
export const failure: Error = new Error('the dependency failed')

/** The operation that always fails. */
export const fail = async (): Promise<number> => {
  throw failure
}

/**
 * An operation that fails, but for every fiftieth call: a breaker whose rate of 99 % is never reached counts all of its
 * failures and stays closed.
 */
export function mostlyFailing(error: Error = failure): () => Promise<number> {
  let calls = 0
  return async () => {
    calls += 1
    if (calls % 50 !== 0) throw error
    return 1
  }
}

/** The operation that never settles. */
export const never = (): Promise<number> => new Promise(() => {})

/** Calls one after the other that all must come to 1. */
export function inSequence(call: () => PromiseLike<unknown>): (calls: number) => Promise<number> {
  return async (calls) => {
    let good = 0
    for (let done = 0; done < calls; done += 1) good += (await call()) as number
    return good
  }
}

/** The same for calls that reject with what is expected, or come to 1. */
export function caughtInSequence(
  call: () => PromiseLike<unknown>,
  expected: (error: unknown) => boolean = isFailure,
): (calls: number) => Promise<number> {
  return async (calls) => {
    let good = 0
    for (let done = 0; done < calls; done += 1) {
      try {
        good += (await call()) as number
      } catch (error) {
        if (expected(error)) good += 1
      }
    }
    return good
  }
}

/** Calls that are made at the same time, so many in a batch, and reject with what is expected. */
export function caughtAtOnce(
  atOnce: number,
  call: () => PromiseLike<unknown>,
  expected: (error: unknown) => boolean,
): (calls: number) => Promise<number> {
  return async (calls) => {
    let good = 0
    for (let done = 0; done < calls; done += atOnce) {
      const batch: PromiseLike<number>[] = []
      for (let one = 0; one < atOnce; one += 1) {
        batch.push(
          call().then(
            () => 0,
            (error: unknown) => (expected(error) ? 1 : 0),
          ),
        )
      }
      for (const settled of batch) good += await settled
    }
    return good
  }
}

const isFailure = (error: unknown): boolean => error === failure
