/** The operation of the success cases: the cheapest asynchronous one. */
export const succeed = async (): Promise<number> => 1

/** One error for all failures, so that no case measures the creation of an error. */
export const failure: Error = new Error('the dependency failed')

/** The operation that always fails. */
export const fail = async (): Promise<number> => {
  throw failure
}

/**
 * An operation that fails except for every fiftieth call. A breaker with a threshold of 99 % counts all failures and
 * stays closed.
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

/** Makes calls one after another and adds their results. Each must fulfil with 1. */
export function inSequence(call: () => PromiseLike<unknown>): (calls: number) => Promise<number> {
  return async (calls) => {
    let good = 0
    for (let done = 0; done < calls; done += 1) good += (await call()) as number
    return good
  }
}

/** The same for calls that reject with the expected error or fulfil with 1. */
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

/** Makes concurrent calls in batches of `atOnce`. Each must reject with the expected error. */
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
