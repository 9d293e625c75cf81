import type { UndiciAnswer } from './options.ts'

/** The answer of an attempt whose body was passed on to its reader. It cannot be passed on a second time. */
export class StreamedAnswer implements UndiciAnswer {
  /** The call whose reader has the body. */
  readonly #owner: object
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>

  constructor(owner: object, statusCode: number, headers: Readonly<Record<string, string | string[] | undefined>>) {
    this.#owner = owner
    this.statusCode = statusCode
    this.headers = headers
  }

  /** Whether a value is an answer that another call has passed on. */
  static isOfOther(value: unknown, owner: object): boolean {
    return value instanceof StreamedAnswer && value.#owner !== owner
  }
}
