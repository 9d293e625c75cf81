import { defineErrors } from '../errors/catalogue/catalogue.ts'
import type { ErrorClass } from '../errors/catalogue/definition.ts'

/** Errors that the mappers of several frameworks make, and that the library itself never throws. */
export const PluginErrors: {
  readonly UNAUTHORIZED: ErrorClass<'UNAUTHORIZED', undefined>
  readonly FORBIDDEN: ErrorClass<'FORBIDDEN', undefined>
} = defineErrors(
  {
    UNAUTHORIZED: {
      status: 401,
      message: { es: 'Hay que autenticarse para esta petición.', en: 'The request needs authentication.' },
    },
    FORBIDDEN: {
      status: 403,
      message: { es: 'Esta petición no está permitida.', en: 'The request is not allowed.' },
    },
  },
  { stacks: false },
)
