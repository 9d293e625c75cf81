import { isRefusal, TimeoutError } from 'escudo'
import { route } from 'escudo/fastify'
import { UpstreamError } from 'escudo/http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'

const ProductPath = z.object({ id: z.string().meta({ examples: ['mana-potion'] }) })
const documented = {
  tags: ['4.7'],
  summary: 'A product and its stock, from two services; the stock is null if its service fails',
  response: z.object({
    product_info: z.object({ id: z.string(), name: z.string(), description: z.string() }),
    inventory: z.object({ stock: z.int().nullable(), status: z.string() }),
  }),
} as const

const ERROR_NAMES = [
  'PRODUCT_NOT_FOUND',
  'PRODUCTS_FAILED',
  'PRODUCTS_SILENT',
  'UPSTREAM_TIMEOUT',
  'CIRCUIT_OPEN',
] as const

/** 4.7: an answer from a critical dependency and one that is not critical. */
export function productDetailsRoutes({ product, stock }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/product-details/:id',
      route({ ...documented, params: ProductPath, errors: ERROR_NAMES }, async ({ params: { id } }) => {
        // Concurrently, so that the latency is that of the slower one.
        const [product_info, inventory] = await Promise.all([fetchProduct(id), stock(id)])
        return { product_info, inventory }
      }),
    )
  }

  async function fetchProduct(id: string): ReturnType<typeof product> {
    try {
      return await product(id)
    } catch (error) {
      throw toShopError(error, id)
    }
  }
}

/** The error of the shop for a failure of the product service. */
function toShopError(error: unknown, id: string): unknown {
  // These errors already have the right answers: 503 with `Retry-After`, and 504.
  if (isRefusal(error) || error instanceof TimeoutError) return error
  if (error instanceof UpstreamError) {
    if (error.code === 'UPSTREAM_TIMEOUT') return error
    if (error.status === 404) return new Errors.PRODUCT_NOT_FOUND({ id }, { cause: error })
    if (error.failure === 'status' && error.status !== undefined) {
      return new Errors.PRODUCTS_FAILED({ status: error.status }, { cause: error })
    }
  }
  return new Errors.PRODUCTS_SILENT(undefined, { cause: error })
}
