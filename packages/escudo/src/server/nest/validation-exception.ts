import type { Finding } from '../../errors/catalogue/well-known.ts'
import { read, readItems } from '../../errors/safe-read.ts'
import { pointerOf, validationError } from '../validation.ts'

/** How deep and how many faults are read. The answer has at most 50 of them, and the number of all. */
const DEPTH_MAX = 20
const FINDINGS_READ_MAX = 1_000
const ERRORS_MAX = 1_000
const MESSAGE_LENGTH_MAX = 200

/**
 * Makes 422 `VALIDATION_ERROR` of what class-validator found: the option `exceptionFactory` of Nest's `ValidationPipe`.
 *
 * Each finding has a JSON pointer. Without this option, the pipe's exception is 400 with its messages.
 *
 * @param errors what the pipe passes
 * @returns the error to throw. Its findings are those of the body, because the pipe does not tell the part
 * @example
 * ```ts
 * import { validationException } from 'escudo/nest'
 *
 * // app.useGlobalPipes(new ValidationPipe({ exceptionFactory: validationException }))
 * const error = validationException([{ property: 'email', value: 5, constraints: { isEmail: 'email must be an email' } }])
 * console.log(error.message) // The request is not valid.
 * ```
 */
export function validationException(errors: readonly object[]): Error {
  const findings: Finding[] = []
  collect(errors.slice(0, ERRORS_MAX), [], findings)
  return validationError(findings)
}

function collect(errors: readonly unknown[], path: readonly string[], findings: Finding[]): void {
  if (path.length > DEPTH_MAX) return
  for (const error of errors) {
    if (findings.length >= FINDINGS_READ_MAX) return
    const keys = [...path, String(read(error, 'property') ?? '')]
    const constraints = (read(error, 'constraints') ?? {}) as Readonly<Record<string, unknown>>
    for (const [name, message] of Object.entries(constraints)) {
      const code = read(error, 'value') === undefined ? 'required' : name
      findings.push({
        in: 'body',
        pointer: pointerOf(keys),
        code,
        message: String(message).slice(0, MESSAGE_LENGTH_MAX),
      })
    }
    collect(readItems(error, 'children', ERRORS_MAX), keys, findings)
  }
}
