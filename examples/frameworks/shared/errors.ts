// The catalogue of the small service, and its contract.
import { createErrorContract, defineErrors, type ErrorContract, type Mapper } from 'escudo/errors'
import { z } from 'zod'

export const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Artículo con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
  AWKWARD_CONTEXT: {
    status: 409,
    message: { es: 'Este error lleva un contexto difícil.', en: 'This error has an awkward context.' },
    context: z.object({ value: z.unknown() }),
  },
})

/** The contract of one framework's service. */
export function contractOf(framework: string, map: readonly Mapper[] = []): ErrorContract<typeof Errors> {
  return createErrorContract({ service: `small-service-${framework}`, errors: Errors, locale: 'en', map })
}

export const NewUser = z.object({ email: z.string(), nombre: z.string() })

/** The `info` of `GET /openapi.json`, where a tool of the framework collects the routes. */
export const INFO = { title: 'The small service', version: '1.0.0' }
