/** The operation of the success cases: asynchronous, and as cheap as one can be. */
export const succeed = async (): Promise<number> => 1

const failure = new Error('the dependency failed')

/** The operation that opens circuits. One error for all calls: its stack is not what is measured. */
export const fail = async (): Promise<number> => {
  throw failure
}

/** Calls one after the other, and adds the results up. */
export function inSequence(call: () => PromiseLike<unknown>): (calls: number) => Promise<number> {
  return async (calls) => {
    let sum = 0
    for (let done = 0; done < calls; done += 1) sum += (await call()) as number
    return sum
  }
}

/** The same for calls that reject: each rejection is caught, and counts 1. */
export function caughtInSequence(call: () => PromiseLike<unknown>): (calls: number) => Promise<number> {
  return async (calls) => {
    let caught = 0
    for (let done = 0; done < calls; done += 1) {
      try {
        await call()
      } catch {
        caught += 1
      }
    }
    return caught
  }
}
