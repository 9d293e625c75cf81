import { defineErrors } from 'escudo/errors'
import { z } from 'zod'

// A context field, with the example that the API documents show.
const text = (example: string) => z.string().meta({ examples: [example] })
const number = (example: number) => z.number().meta({ examples: [example] })

/**
 * The errors of the shop. Every placeholder of a message is a field of the context, so that no client has to parse a
 * message.
 *
 * Errors with the same `code` are equal for client programs; only their messages differ.
 */
export const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
    context: z.object({ recurso: z.literal('Item'), id: text('item9') }),
  },
  STOCK_INSUFICIENTE: {
    status: 409,
    message: {
      es: "No hay suficiente '{item_id}'. Pediste: {solicitado}, Quedan: {disponible}.",
      en: "Not enough '{item_id}'. You asked for {solicitado}, {disponible} are left.",
    },
    context: z.object({ item_id: text('SuperPocion'), solicitado: number(10), disponible: number(2) }),
  },
  LIMIT_TOO_HIGH: {
    status: 400,
    message: {
      es: 'Pediste {limit} elementos y el máximo es {max}.',
      en: 'You asked for {limit} items, and the maximum is {max}.',
    },
    context: z.object({ limit: number(1000), max: number(100) }),
  },
  TAREA_NO_ENCONTRADA: {
    status: 404,
    message: { es: "Tarea con ID '{id}' no encontrada.", en: "Task with ID '{id}' not found." },
    context: z.object({ id: text('tarea9') }),
  },
  FECHA_INVALIDA: {
    status: 400,
    message: {
      es: "La fecha '{fecha}' ya pasó: hoy es {hoy} (UTC).",
      en: "The date '{fecha}' has passed: today is {hoy} (UTC).",
    },
    context: z.object({ fecha: text('2020-01-01'), hoy: text('2026-01-31') }),
  },
  // A retry cannot help.
  ALMACEN_LLENO: {
    status: 507,
    retry: 'never',
    message: {
      es: 'La tienda está llena: guarda como máximo {max} ({recurso}).',
      en: 'The shop is full: it keeps {max} at most ({recurso}).',
    },
    context: z.object({ recurso: text('usuarios'), max: number(10_000) }),
  },
  AUTENTICACION_FALLIDA: {
    status: 401,
    message: {
      es: 'Autenticación fallida: la cabecera X-Token falta o no es correcta.',
      en: 'Authentication failed: the header X-Token is missing or wrong.',
    },
  },
  ACCESO_PROHIBIDO: {
    status: 403,
    message: {
      es: 'Este token no da acceso a la administración.',
      en: 'This token gives no access to the administration.',
    },
  },
  // Three errors of the library's admin routes, with the shop's own codes.
  SHIELD_NOT_FOUND: {
    code: 'ESCUDO_NO_ENCONTRADO',
    status: 404,
    message: { es: "No hay ningún escudo '{shield}'.", en: "There is no shield '{shield}'." },
    context: z.object({ shield: text('nada') }),
  },
  POLICY_NOT_FOUND: {
    code: 'POLITICA_NO_ENCONTRADA',
    status: 404,
    message: {
      es: "El escudo '{shield}' no tiene ninguna política '{policy}'.",
      en: "The shield '{shield}' has no policy '{policy}'.",
    },
    context: z.object({ shield: text('external'), policy: text('nada') }),
  },
  ACTION_NOT_SUPPORTED: {
    code: 'POLITICA_SIN_INTERRUPTOR',
    status: 409,
    message: {
      es: "La política '{policy}' de '{shield}' no es un circuit breaker, sino {type}.",
      en: "The policy '{policy}' of '{shield}' is not a circuit breaker but {type}.",
    },
    context: z.object({ shield: text('external'), policy: text('timeout'), type: text('timeout') }),
  },
  EMAIL_ALREADY_EXISTS: {
    status: 409,
    message: {
      es: "El email '{email_conflictivo}' ya está registrado.",
      en: "The e-mail '{email_conflictivo}' is already registered.",
    },
    context: z.object({ email_conflictivo: text('test@example.com') }),
  },
  INVALID_EMAIL_FORMAT: {
    status: 400,
    message: { es: 'Formato de email inválido.', en: 'Invalid e-mail format.' },
  },
  SERVICE_UNAVAILABLE: {
    code: 'UPSTREAM_UNAVAILABLE',
    status: 503,
    message: {
      es: 'Servicio no disponible después de varios intentos',
      en: 'Service unavailable after several attempts',
    },
    context: z.object({ attempts: number(3) }),
  },
  EXTERNAL_FAILED: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: { es: 'Error contactando servicio externo.', en: 'The external service could not be reached.' },
  },
  DEPENDENCY_NOT_FOUND: {
    status: 404,
    message: { es: "No hay ninguna dependencia '{dependency}'.", en: "There is no dependency '{dependency}'." },
    context: z.object({ dependency: text('z') }),
  },
  USUARIO_NO_ENCONTRADO: { status: 404, message: { es: 'Usuario no encontrado', en: 'User not found' } },
  RECURSO_NO_ENCONTRADO: { status: 404, message: { es: 'Recurso no encontrado', en: 'Resource not found' } },
  PRODUCT_NOT_FOUND: {
    status: 404,
    message: { es: "Producto con ID '{id}' no encontrado.", en: "Product with ID '{id}' not found." },
    context: z.object({ id: text('nada') }),
  },
  PRODUCTS_FAILED: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: { es: 'El servicio de productos falló: {status}', en: 'The product service failed: {status}' },
    context: z.object({ status: number(500) }),
  },
  // No usable answer: no connection, a reset, a truncated body or an unexpected body.
  PRODUCTS_SILENT: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: {
      es: 'El servicio de productos falló: sin respuesta',
      en: 'The product service failed: no answer',
    },
  },
})
