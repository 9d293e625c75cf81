import { defineErrors } from 'escudo/errors'
import { z } from 'zod'

/**
 * Every error of the shop's own: what the client reads, in which language, with which facts. A placeholder in a message
 * is a fact of the context, so that no client has to take a sentence apart.
 *
 * Errors that share a `code` are one to a client's program; they differ in what they tell people.
 */
export const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
    context: z.object({ recurso: z.literal('Item'), id: z.string() }),
  },
  EMAIL_ALREADY_EXISTS: {
    status: 409,
    message: {
      es: "El email '{email_conflictivo}' ya está registrado.",
      en: "The e-mail '{email_conflictivo}' is already registered.",
    },
    context: z.object({ email_conflictivo: z.string() }),
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
    context: z.object({ attempts: z.number() }),
  },
  EXTERNAL_FAILED: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: { es: 'Error contactando servicio externo.', en: 'The external service could not be reached.' },
  },
  PRODUCT_NOT_FOUND: {
    status: 404,
    message: { es: "Producto con ID '{id}' no encontrado.", en: "Product with ID '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
  PRODUCTS_FAILED: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: { es: 'El servicio de productos falló: {status}', en: 'The product service failed: {status}' },
    context: z.object({ status: z.number() }),
  },
  // Nothing that could be used came back: no connection, one that was reset, a body that broke off or made no sense.
  PRODUCTS_SILENT: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: {
      es: 'El servicio de productos falló: sin respuesta',
      en: 'The product service failed: no answer',
    },
  },
})
