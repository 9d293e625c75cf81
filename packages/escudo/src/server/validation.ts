import { type Finding, WellKnown } from '../errors/catalogue/well-known.ts'
import { isThenable } from '../errors/options/synchronous.ts'
import { read } from '../errors/safe-read.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../errors/standard-schema.ts'
import { ValueFreeMessages } from './validation-message.ts'

/** The parts of a request that may have a schema. */
export type RequestPart = 'params' | 'query' | 'headers' | 'body'

/** The most findings that an answer carries. If there are more, `total` is the number of all. */
const FINDINGS_MAX = 50
const TEXT_LENGTH_MAX = 200

/** One part of a request and its schema. */
export interface PartToValidate {
  readonly part: RequestPart
  readonly schema: StandardSchema
  readonly value: unknown
}

/**
 * Validates parts of a request. It checks every part, so the client sees all faults in one answer. Values are coerced
 * only by a schema that does so itself.
 *
 * @returns the values that the schemas return, in the same order. A promise only if a schema is asynchronous, or to
 * reject: with VALIDATION_ERROR and the findings, which never contain a rejected value, or with what a schema threw
 */
export function validateParts(parts: readonly PartToValidate[]): readonly unknown[] | Promise<readonly unknown[]> {
  try {
    const validation = new Validation()
    for (const [index, part] of parts.entries()) {
      const result = part.schema['~standard'].validate(part.value)
      if (isThenable(result)) return validateRest(validation, parts.slice(index), result)
      validation.add(part, result)
    }
    return validation.end()
  } catch (error) {
    return Promise.reject(error)
  }
}

async function validateRest(
  validation: Validation,
  [first, ...rest]: readonly PartToValidate[],
  pending: PromiseLike<SchemaResult<unknown>>,
): Promise<readonly unknown[]> {
  validation.add(first as PartToValidate, await pending)
  for (const part of rest) validation.add(part, await part.schema['~standard'].validate(part.value))
  return validation.end()
}

/** The results of several parts. */
class Validation {
  readonly #values: unknown[] = []
  readonly #findings: Finding[] = []
  #total = 0

  add({ part, value }: PartToValidate, result: SchemaResult<unknown>): void {
    if (result.issues === undefined) {
      this.#values.push(result.value)
      return
    }
    this.#total += result.issues.length
    const messages = new ValueFreeMessages(value)
    for (const issue of result.issues.slice(0, FINDINGS_MAX - this.#findings.length)) {
      this.#findings.push(findingOf(part, issue, value, messages))
    }
  }

  end(): readonly unknown[] {
    if (this.#total > 0) throw validationError(this.#findings, this.#total)
    return this.#values
  }
}

/** Makes a `VALIDATION_ERROR` with at most 50 findings. */
export function validationError(findings: readonly Finding[], total: number = findings.length): Error {
  const errors = findings.slice(0, FINDINGS_MAX)
  return new WellKnown.VALIDATION_ERROR(total > errors.length ? { errors, total } : { errors })
}

/** Converts an issue of a schema to the form that is sent. */
export function findingOf(
  part: string,
  issue: SchemaIssue,
  value: unknown,
  messages: ValueFreeMessages = new ValueFreeMessages(value),
): Finding {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
  const rejected = keys.reduce<unknown>(read, value)
  const isMissing = rejected === undefined
  return {
    in: part,
    pointer: pointerOf(keys),
    code: isMissing ? 'required' : codeOf(issue),
    message: shorten(messages.of(issue, rejected)),
  }
}

/** The code of an issue. Valibot calls it `type`. */
function codeOf(issue: SchemaIssue): string {
  const codes = [read(issue, 'code'), read(issue, 'type')]
  return codes.find((code): code is string => typeof code === 'string' && /^[\w.-]{1,64}$/.test(code)) ?? 'invalid'
}

/** Joins keys to a JSON pointer (RFC 6901). */
export function pointerOf(keys: readonly PropertyKey[]): string {
  return keys.map((key) => `/${shorten(String(key)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function shorten(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text
}
