import type { ErrorBody } from '../../errors/body/body.ts'
import type { AnyErrorClass } from '../../errors/catalogue/definition.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorAnswer, ErrorContract } from '../../errors/contract/contract.ts'
import type { Locale } from '../../errors/contract/negotiation.ts'
import type { JsonObject } from './description.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { sampleOf } from './sample.ts'

/** An entry of a catalogue, or a well-known code, as a document tells of it. */
export interface ListedError {
  /** The entry's name: several may share a code. */
  readonly name: string
  readonly code: string
  readonly status: number
  readonly kind: ErrorAnswer['kind']
  readonly retry: ErrorAnswer['retry']
  /** The JSON Schema of the context; undefined where it is always empty. */
  readonly context: JsonObject | undefined
  /** The body in each language that the message has, the service's own first. */
  readonly examples: readonly { readonly locale: Locale; readonly body: ErrorBody }[]
}

// The example of the W3C's recommendation: it belongs to nobody.
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const RETRY_AFTER_MS = 10_000

/**
 * Looks an error up as the contract does, and lets the contract itself answer with it: what the document shows is what
 * is sent.
 *
 * @throws TypeError when neither the catalogue nor the well-known codes have it
 */
export function listedError(contract: ErrorContract, name: string, route: string): ListedError {
  const entry = entryNamed(contract, name)
  if (entry === undefined) {
    throw new TypeError(`${route} lists ${JSON.stringify(name)}: no entry of the catalogue and no well-known code`)
  }
  const { context } = entry.definition
  const sample = context === undefined ? undefined : sampleOf(jsonSchemaOf(context, 'input'))
  const error = new (entry as unknown as ErrorConstructor)(sample, { retryAfterMs: RETRY_AFTER_MS })
  const locales: readonly Locale[] = contract.locale === 'es' ? ['es', 'en'] : ['en', 'es']
  const answers = locales.map((locale) => ({
    locale,
    answer: contract.translate(error, { traceId: TRACE_ID, acceptLanguage: locale }),
  }))
  // A message without a translation would be shown twice.
  const own = answers.filter(
    ({ answer }, index) => index === 0 || answer.body.message !== answers[0]?.answer.body.message,
  )
  const { kind, retry } = (own[0] as (typeof own)[number]).answer
  return {
    name,
    code: entry.code,
    status: entry.status,
    kind,
    retry,
    context: context === undefined ? undefined : jsonSchemaOf(context, 'output'),
    examples: own.map(({ locale, answer }) => ({ locale, body: answer.body })),
  }
}

type ErrorConstructor = new (context: unknown, details: { readonly retryAfterMs: number }) => Error

/** The service's own entry before the well-known one, as where an error is answered. */
function entryNamed({ errors }: ErrorContract, name: string): AnyErrorClass | undefined {
  for (const catalogue of [errors, WellKnown] as readonly Readonly<Record<string, AnyErrorClass>>[]) {
    if (Object.hasOwn(catalogue, name)) return catalogue[name]
  }
  return undefined
}
