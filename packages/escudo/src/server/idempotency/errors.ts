import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import type { ErrorClass } from '../../errors/catalogue/definition.ts'

/** The codes of the errors about idempotency keys. */
export type IdempotencyCode =
  | 'IDEMPOTENCY_IN_PROGRESS'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_KEY_INVALID'
  | 'IDEMPOTENCY_KEY_REQUIRED'
  | 'IDEMPOTENCY_ANSWER_NOT_KEPT'
  | 'IDEMPOTENCY_UNAVAILABLE'

/** The errors about idempotency keys. */
export const IdempotencyErrors: { readonly [Code in IdempotencyCode]: ErrorClass<Code, undefined> } = defineErrors(
  {
    IDEMPOTENCY_IN_PROGRESS: {
      status: 409,
      message: {
        es: 'La primera petición con esta clave de idempotencia todavía está en curso.',
        en: 'The first request with this idempotency key is still in progress.',
      },
      retry: 'safe',
    },
    IDEMPOTENCY_KEY_REUSED: {
      status: 422,
      message: {
        es: 'Esta clave de idempotencia se usó con otra petición.',
        en: 'This idempotency key was used with another request.',
      },
    },
    IDEMPOTENCY_KEY_INVALID: {
      status: 400,
      message: {
        es: 'La clave de idempotencia debe tener de 1 a 255 caracteres ASCII imprimibles.',
        en: 'The idempotency key must have 1 to 255 printable ASCII characters.',
      },
    },
    IDEMPOTENCY_KEY_REQUIRED: {
      status: 400,
      message: {
        es: 'Esta petición necesita la cabecera Idempotency-Key.',
        en: 'This request needs the header Idempotency-Key.',
      },
    },
    IDEMPOTENCY_ANSWER_NOT_KEPT: {
      status: 409,
      message: {
        es: 'La petición con esta clave de idempotencia se atendió, pero su respuesta no se guardó.',
        en: 'The request with this idempotency key was served, but its answer was not kept.',
      },
    },
    IDEMPOTENCY_UNAVAILABLE: {
      status: 503,
      message: {
        es: 'Ahora no se puede comprobar la clave de idempotencia.',
        en: 'The idempotency key cannot be checked now.',
      },
    },
  },
  { stacks: false },
)
