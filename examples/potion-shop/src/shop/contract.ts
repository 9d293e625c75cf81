import { createErrorContract, type Mapper, WellKnown } from 'escudo/errors'
import { Errors } from './catalogue.ts'

/**
 * Maps a forbidden path of the static files to 404. Without this mapper it would count as a bug and trigger an alert.
 */
const staticFileErrors: Mapper = (error) => {
  const isForbidden = error instanceof Error && 'code' in error && error.code === 'FST_STATIC_FORBIDDEN_PATH'
  return isForbidden ? new WellKnown.ROUTE_NOT_FOUND(undefined, { cause: error }) : undefined
}

/** The error contract of the shop. `docs/shop-errors` has a page for each of its codes. */
export const contract = createErrorContract({
  service: 'potion-shop',
  errors: Errors,
  locale: 'es',
  map: [staticFileErrors],
})
