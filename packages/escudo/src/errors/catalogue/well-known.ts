import type { StandardSchema } from '../standard-schema.ts'
import { defineErrors } from './catalogue.ts'
import type { ErrorClass } from './definition.ts'

/** One problem in a request that failed validation. Never contains the rejected value. */
export interface Finding {
  /** The part of the request: `body`, `params`, `query` or `headers`. */
  readonly in: string
  /** The place in that part, as a JSON pointer (RFC 6901). */
  readonly pointer: string
  /** Machine-readable. `required` if the value is missing, else the schema library's code or `invalid`. */
  readonly code: string
  /** For people. */
  readonly message: string
}

/** The context of `VALIDATION_ERROR`. */
export interface ValidationContext {
  /** At most 50. */
  readonly errors: readonly Finding[]
  /** The number of problems found, if `errors` does not hold all of them. */
  readonly total?: number
}

/** The codes of escudo's own errors, without `VALIDATION_ERROR`. */
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

/** The codes of escudo's own errors. */
export type WellKnownCode = PlainCode | 'VALIDATION_ERROR'

const REQUEST_PARTS = ['body', 'params', 'query', 'headers']

/** The JSON Schema of {@link ValidationContext}, for OpenAPI documents. */
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
          in: { type: 'string', enum: REQUEST_PARTS },
          pointer: { type: 'string', description: 'RFC 6901', examples: ['/nombre'] },
          code: { type: 'string', examples: ['required'] },
          message: { type: 'string', examples: ['Invalid input: expected string, received undefined'] },
        },
      },
    },
    total: { type: 'integer', description: 'The number of problems found, if there are more than 50.' },
  },
})

// Accepts any value: only the adapters make this context, and they build and bound the findings.
const validation: StandardSchema<ValidationContext> = {
  '~standard': {
    version: 1,
    vendor: 'escudo',
    validate: (value) => ({ value: value as ValidationContext }),
    jsonSchema: { input: validationSchema, output: validationSchema },
  },
}

/**
 * The errors that every service can return, in Spanish and English.
 *
 * If a service's own catalogue has an entry of the same code, the message and status of that entry are used.
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
} = defineErrors(
  {
    VALIDATION_ERROR: {
      status: 422,
      message: { es: 'La petición no es válida.', en: 'The request is not valid.' },
      context: validation,
    },
    MALFORMED_JSON: {
      status: 400,
      message: {
        es: 'El cuerpo de la petición no es JSON correcto.',
        en: 'The request body is not well-formed JSON.',
      },
    },
    ROUTE_NOT_FOUND: { status: 404, message: { es: 'Esta ruta no existe.', en: 'This route does not exist.' } },
    METHOD_NOT_ALLOWED: {
      status: 405,
      message: { es: 'Esta ruta no admite el método.', en: 'This route does not allow the method.' },
    },
    PAYLOAD_TOO_LARGE: {
      status: 413,
      message: { es: 'El cuerpo de la petición es demasiado grande.', en: 'The request body is too large.' },
    },
    UNSUPPORTED_MEDIA_TYPE: {
      status: 415,
      message: { es: 'Este tipo de contenido no se admite.', en: 'This content type is not supported.' },
    },
    INTERNAL_SERVER_ERROR: {
      status: 500,
      message: {
        es: 'Ocurrió un error inesperado en el servidor.',
        en: 'An unexpected error occurred on the server.',
      },
      // A bug is likely to fail again in the same way.
      retry: 'never',
    },
    UPSTREAM_ERROR: {
      status: 502,
      message: { es: 'Falló un servicio externo.', en: 'An external service failed.' },
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
        en: 'An external service is unavailable.',
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
        en: 'An external service did not respond in time.',
      },
    },
    BAD_REQUEST: { status: 400, message: { es: 'La petición es incorrecta.', en: 'The request is malformed.' } },
    URI_TOO_LONG: { status: 414, message: { es: 'La dirección es demasiado larga.', en: 'The URL is too long.' } },
    EXPECTATION_FAILED: {
      status: 417,
      message: {
        es: 'No se puede cumplir lo que pide Expect.',
        en: 'The expectation in the Expect header cannot be met.',
      },
    },
    HEADERS_TOO_LARGE: {
      status: 431,
      message: { es: 'Las cabeceras son demasiado grandes.', en: 'The headers are too large.' },
    },
    REQUEST_TIMEOUT: {
      status: 408,
      message: { es: 'La petición no llegó completa a tiempo.', en: 'The complete request did not arrive in time.' },
      retry: 'safe',
    },
    SHUTTING_DOWN: {
      status: 503,
      message: { es: 'El servicio se está deteniendo.', en: 'The service is shutting down.' },
      // Every deployment causes this, so it must not raise an alert.
      level: 'warning',
    },
    DEADLINE_EXCEEDED: {
      status: 503,
      message: { es: 'La petición tardó demasiado.', en: 'The request took too long.' },
      retry: 'never',
    },
  },
  // A service cannot ask for stacks here, so errors do not say how.
  { stacks: false },
)
