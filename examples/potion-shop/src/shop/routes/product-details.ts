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
  summary: 'A product with its stock, of two services; without the stock when that cannot be found out',
  response: z.object({
    product_info: z.object({ id: z.string(), name: z.string(), description: z.string() }),
    inventory: z.object({ stock: z.int().nullable(), status: z.string() }),
  }),
} as const

const ANSWERS = ['PRODUCT_NOT_FOUND', 'PRODUCTS_FAILED', 'PRODUCTS_SILENT', 'UPSTREAM_TIMEOUT', 'CIRCUIT_OPEN'] as const

/** 4.7: a page made of a dependency that it cannot do without and of one that it can. */
export function productDetailsRoutes({ product, stock }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/product-details/:id',
      route({ ...documented, params: ProductPath, errors: ANSWERS }, async ({ params: { id } }) => {
        // Both at once: the slower one decides how long it takes, not their sum.
        const [product_info, inventory] = await Promise.all([productOr(id), stock(id)])
        return { product_info, inventory }
      }),
    )
  }

  async function productOr(id: string): ReturnType<typeof product> {
    try {
      return await product(id)
    } catch (error) {
      throw ofProducts(error, id)
    }
  }
}

/** What the shop says when the product service, which it cannot do without, failed. */
function ofProducts(error: unknown, id: string): unknown {
  // An open circuit and a timeout are already the right answers: 503 with a Retry-After, and 504.
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
