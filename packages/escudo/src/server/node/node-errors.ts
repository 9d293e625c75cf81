import { WellKnown } from '../../errors/catalogue/well-known.ts'

/** Converts Node's error about a request that it could not parse or receive. */
export function fromNodeError(error: { readonly code?: string | undefined }): Error {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new WellKnown.HEADERS_TOO_LARGE()
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new WellKnown.REQUEST_TIMEOUT()
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new WellKnown.PAYLOAD_TOO_LARGE()
    default:
      return new WellKnown.BAD_REQUEST(undefined, { cause: error })
  }
}
