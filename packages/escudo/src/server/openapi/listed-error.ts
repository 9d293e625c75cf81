import type { ErrorBody, ProblemBody } from '../../errors/body/body.ts'
import type { AnyErrorClass } from '../../errors/catalogue/definition.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorAnswer, ErrorContract } from '../../errors/contract/contract.ts'
import { AdminErrors } from '../admin/errors.ts'
import { PluginErrors } from '../plugin-errors.ts'
import type { JsonObject } from './description.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { sampleOf } from './sample.ts'

/** A catalogue entry or a well-known code, as a document lists it. */
export interface ListedError {
  /** The entry's name. Several entries can share a code. */
  readonly name: string
  readonly code: string
  readonly status: number
  readonly kind: ErrorAnswer['kind']
  readonly retry: ErrorAnswer['retry']
  /** The JSON Schema of the context; undefined if it is always empty. */
  readonly context: JsonObject | undefined
  /** The body in each language of the message, the service's default language first. */
  readonly examples: readonly { readonly locale: string; readonly body: ErrorBody }[]
  /** The body as `application/problem+json`, in the service's default language. */
  readonly problem: ProblemBody
}

// The example of the W3C recommendation Trace Context: no real request has it.
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const RETRY_AFTER_MS = 10_000

/**
 * Looks up an error and lets the contract answer with it, so that the document shows what is really sent.
 *
 * @throws TypeError if neither the catalogue nor the well-known codes have it
 */
export function listedError(contract: ErrorContract, name: string, route: string): ListedError {
  const entry = entryNamed(contract, name)
  if (entry === undefined) {
    throw new TypeError(`${route} lists ${JSON.stringify(name)}: neither a catalogue entry nor a well-known code`)
  }
  const { context } = entry.definition
  const sample = context === undefined ? undefined : sampleOf(jsonSchemaOf(context, 'input'))
  const error = new (entry as unknown as ErrorConstructor)(sample, { retryAfterMs: RETRY_AFTER_MS })
  const answers = contract.languages.map((locale) => ({
    locale,
    answer: contract.translate(error, { traceId: TRACE_ID, acceptLanguage: locale }),
  }))
  // A message without a translation is shown once.
  const distinct = answers.filter(
    ({ answer }, index) => index === 0 || answer.body.message !== answers[0]?.answer.body.message,
  )
  const { kind, retry } = (distinct[0] as (typeof distinct)[number]).answer
  const problem = contract.translate(error, { traceId: TRACE_ID, accept: 'application/problem+json' })
  return {
    name,
    code: entry.code,
    status: entry.status,
    kind,
    retry,
    context: context === undefined ? undefined : jsonSchemaOf(context, 'output'),
    examples: distinct.map(({ locale, answer }) => ({ locale, body: answer.body })),
    problem: problem.body as ProblemBody,
  }
}

type ErrorConstructor = new (context: unknown, details: { readonly retryAfterMs: number }) => Error

/** Finds an entry by name. As in the contract, the service's catalogue comes before the errors of the library. */
function entryNamed({ errors }: ErrorContract, name: string): AnyErrorClass | undefined {
  for (const catalogue of [errors, WellKnown, AdminErrors, PluginErrors] as readonly Readonly<
    Record<string, AnyErrorClass>
  >[]) {
    if (Object.hasOwn(catalogue, name)) return catalogue[name]
  }
  return undefined
}
