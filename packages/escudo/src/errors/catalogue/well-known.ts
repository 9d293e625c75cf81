import type { StandardSchema } from '../standard-schema.ts'
import { defineErrors } from './catalogue.ts'
import type { ErrorClass } from './definition.ts'

/** One finding in a request that does not validate. The rejected value is never part of it. */
export interface Finding {
  /** Which part of the request: `body`, `params`, `query` or `headers`. */
  readonly in: string
  /** Where in that part: a JSON pointer (RFC 6901). */
  readonly pointer: string
  /** For machines: the schema library's own word where it has one, `required` for what is missing, else `invalid`. */
  readonly code: string
  /** For people. */
  readonly message: string
}

/** The context of `VALIDATION_ERROR`. */
export interface ValidationContext {
  /** At most 50. */
  readonly errors: readonly Finding[]
  /** How many there were, where they are more than `errors` holds. */
  readonly total?: number
}

/** The codes that escudo itself answers with, without those of validation. */
type PlainCode =
  | 'MALFORMED_JSON'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'INTERNAL_SERVER_ERROR'
  | 'UPSTREAM_ERROR'
  | 'CIRCUIT_OPEN'
  | 'BULKHEAD_FULL'
  | 'UPSTREAM_UNAVAILABLE'
  | 'RATE_LIMITED'
  | 'UPSTREAM_TIMEOUT'
  | 'BAD_REQUEST'
  | 'URI_TOO_LONG'
  | 'EXPECTATION_FAILED'
  | 'HEADERS_TOO_LARGE'
  | 'REQUEST_TIMEOUT'
  | 'SHUTTING_DOWN'
  | 'DEADLINE_EXCEEDED'

/** The codes that escudo itself answers with. */
export type WellKnownCode = PlainCode | 'VALIDATION_ERROR'

const PARTS = ['body', 'params', 'query', 'headers']

/** {@link ValidationContext} for documents. */
const validationSchema = (): Record<string, unknown> => ({
  type: 'object',
  required: ['errors'],
  properties: {
    errors: {
      type: 'array',
      maxItems: 50,
      items: {
        type: 'object',
        required: ['in', 'pointer', 'code', 'message'],
        properties: {
          in: { type: 'string', enum: PARTS },
          pointer: { type: 'string', description: 'RFC 6901', examples: ['/nombre'] },
          code: { type: 'string', examples: ['required'] },
          message: { type: 'string', examples: ['Invalid input: expected string, received undefined'] },
        },
      },
    },
    total: { type: 'integer', description: 'How many there were, where they are more than 50.' },
  },
})

// Made by the adapters alone, from findings that they have built and bounded: nothing is left to check.
const validation: StandardSchema<ValidationContext> = {
  '~standard': {
    version: 1,
    vendor: 'escudo',
    validate: (value) => ({ value: value as ValidationContext }),
    jsonSchema: { input: validationSchema, output: validationSchema },
  },
}

/**
 * The errors that any service has, in Spanish and English. A service's own catalogue may hold an entry of the same
 * code: then its message and status are used.
 *
 * @example
 * ```ts
 * import { WellKnown } from 'escudo/errors'
 *
 * const busy = new WellKnown.BULKHEAD_FULL(undefined, { retryAfterMs: 1_500 })
 * console.log(busy.status, busy.code) // 503 BULKHEAD_FULL
 * ```
 */
export const WellKnown: { readonly [Code in PlainCode]: ErrorClass<Code, undefined> } & {
  readonly VALIDATION_ERROR: ErrorClass<'VALIDATION_ERROR', ValidationContext>
} = defineErrors({
  VALIDATION_ERROR: {
    status: 422,
    message: { es: 'La petición no es válida.', en: 'The request is not valid.' },
    context: validation,
  },
  MALFORMED_JSON: {
    status: 400,
    message: {
      es: 'El cuerpo de la petición no es JSON correcto.',
      en: 'The body of the request is not well-formed JSON.',
    },
  },
  ROUTE_NOT_FOUND: { status: 404, message: { es: 'Esta ruta no existe.', en: 'There is no such route.' } },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: { es: 'Esta ruta no admite el método.', en: 'This route does not allow the method.' },
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    message: { es: 'El cuerpo de la petición es demasiado grande.', en: 'The body of the request is too large.' },
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: { es: 'Este tipo de contenido no se admite.', en: 'This type of content is not supported.' },
  },
  INTERNAL_SERVER_ERROR: {
    status: 500,
    message: {
      es: 'Ocurrió un error inesperado en el servidor.',
      en: 'An unexpected error occurred on the server.',
    },
    // A bug answers the same way twice.
    retry: 'never',
  },
  UPSTREAM_ERROR: {
    status: 502,
    message: { es: 'Falló un servicio externo.', en: 'A service that this one depends on failed.' },
  },
  CIRCUIT_OPEN: {
    status: 503,
    message: { es: 'Servicio no disponible (Circuito Abierto).', en: 'Service unavailable (circuit open).' },
  },
  BULKHEAD_FULL: {
    status: 503,
    message: { es: 'Servicio no disponible (sin capacidad libre).', en: 'Service unavailable (no free capacity).' },
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    message: {
      es: 'Un servicio externo no está disponible.',
      en: 'A service that this one depends on is unavailable.',
    },
  },
  RATE_LIMITED: {
    status: 429,
    message: { es: 'Demasiadas peticiones.', en: 'Too many requests.' },
    retry: 'safe',
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    message: {
      es: 'Un servicio externo no respondió a tiempo.',
      en: 'A service that this one depends on did not answer in time.',
    },
  },
  BAD_REQUEST: { status: 400, message: { es: 'La petición es incorrecta.', en: 'The request is malformed.' } },
  URI_TOO_LONG: { status: 414, message: { es: 'La dirección es demasiado larga.', en: 'The address is too long.' } },
  EXPECTATION_FAILED: {
    status: 417,
    message: { es: 'No se puede cumplir lo que pide Expect.', en: 'What Expect asks for cannot be met.' },
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: { es: 'Las cabeceras son demasiado grandes.', en: 'The header fields are too large.' },
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: { es: 'La petición no llegó completa a tiempo.', en: 'The request did not arrive whole in time.' },
    retry: 'safe',
  },
  SHUTTING_DOWN: {
    status: 503,
    message: { es: 'El servicio se está deteniendo.', en: 'The service is shutting down.' },
    // Every deployment does this: nobody needs to be woken.
    level: 'warning',
  },
  DEADLINE_EXCEEDED: {
    status: 503,
    message: { es: 'La petición tardó demasiado.', en: 'The request took too long.' },
    retry: 'never',
  },
})
