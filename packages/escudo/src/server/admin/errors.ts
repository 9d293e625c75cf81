import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import type { AnyErrorClass } from '../../errors/catalogue/definition.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { truncate } from '../../errors/to-json.ts'
import { anySchema } from './any-schema.ts'

const text = (example: string) => ({ type: 'string', examples: [example] })
const shield = text('inventory')
const policy = text('circuitBreaker')

/** The name of an error of the admin routes. */
export type AdminErrorName =
  | 'UNAUTHORIZED'
  | 'CROSS_ORIGIN_REFUSED'
  | 'SHIELD_NOT_FOUND'
  | 'POLICY_NOT_FOUND'
  | 'SHIELD_AMBIGUOUS'
  | 'ACTION_NOT_SUPPORTED'

/** The errors of the admin routes. A service's own entry of the same name takes precedence. */
export const AdminErrors: Readonly<Record<AdminErrorName, AnyErrorClass>> = defineErrors(
  {
    UNAUTHORIZED: {
      status: 401,
      message: { es: 'Hay que autenticarse para esta petición.', en: 'The request needs authentication.' },
    },
    CROSS_ORIGIN_REFUSED: {
      status: 403,
      message: {
        es: 'La petición viene de otra página, o llama al servicio por un nombre que no conoce.',
        en: 'The request comes from another site, or calls the service by a name that it does not know.',
      },
    },
    SHIELD_NOT_FOUND: {
      status: 404,
      message: { es: "No hay ningún escudo '{shield}'.", en: "There is no shield '{shield}'." },
      context: contextOf({ shield }),
    },
    POLICY_NOT_FOUND: {
      status: 404,
      message: {
        es: "El escudo '{shield}' no tiene ninguna política '{policy}'.",
        en: "The shield '{shield}' has no policy '{policy}'.",
      },
      context: contextOf({ shield, policy }),
    },
    SHIELD_AMBIGUOUS: {
      status: 409,
      message: {
        es: "Hay {count} escudos con el nombre '{shield}'.",
        en: "There are {count} shields with the name '{shield}'.",
      },
      context: contextOf({ shield, count: { type: 'integer', examples: [2] } }),
    },
    ACTION_NOT_SUPPORTED: {
      status: 409,
      message: {
        es: "La política '{policy}' de '{shield}' no es un circuit breaker, sino {type}: no admite '{action}'.",
        en: "The policy '{policy}' of '{shield}' is not a circuit breaker but {type}: it has no '{action}'.",
      },
      context: contextOf({ shield, policy: text('timeout'), type: text('timeout'), action: text('isolate') }),
    },
  },
  { stacks: false },
)

/** Longer than every name of a shield and of a policy. */
const NAME_LENGTH_MAX = 100

/** Makes an error of the admin routes: with the service's own entry of this name, if there is one. */
export function adminError(
  { errors }: ErrorContract,
  name: AdminErrorName,
  context: Readonly<Record<string, string | number>> = {},
  headers: Readonly<Record<string, string>> = {},
): Error {
  const own: AnyErrorClass | undefined = Object.hasOwn(errors, name) ? errors[name] : undefined
  const entry = (own ?? AdminErrors[name]) as unknown as new (context: unknown, details: object) => Error
  const short = Object.entries(context).map(([key, value]) => [
    key,
    typeof value === 'string' ? truncate(value, NAME_LENGTH_MAX) : value,
  ])
  return new entry(Object.fromEntries(short), { headers })
}

function contextOf(properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  return anySchema<Readonly<Record<string, string | number>>>({
    type: 'object',
    required: Object.keys(properties),
    properties,
  })
}
