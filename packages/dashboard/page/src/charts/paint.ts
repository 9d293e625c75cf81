/** How a series is filled: a colour as CSS writes it, and a pattern, so that series differ by more than their hue. */
export interface Paint {
  readonly color: string
  readonly pattern: 'solid' | 'hatch' | 'wide' | 'cross' | 'dots'
}

/** The paints of the status classes. They mean the same in every chart. */
export const CLASS_PAINTS = {
  good: { color: 'var(--good)', pattern: 'solid' },
  client: { color: 'var(--client)', pattern: 'hatch' },
  server: { color: 'var(--server)', pattern: 'solid' },
} as const satisfies Record<string, Paint>

type Shade = readonly [pattern: Paint['pattern'], percent: number]

/** How the statuses of a class differ, the most frequent first. */
const SHADES: Readonly<Record<keyof typeof CLASS_PAINTS, readonly Shade[]>> = {
  good: [
    ['solid', 100],
    ['solid', 60],
    ['dots', 100],
    ['cross', 100],
    ['solid', 35],
    ['wide', 100],
    ['cross', 60],
    ['dots', 60],
  ],
  client: [
    ['hatch', 100],
    ['wide', 100],
    ['dots', 100],
    ['cross', 100],
    ['hatch', 60],
    ['cross', 60],
    ['wide', 60],
    ['dots', 60],
  ],
  server: [
    ['solid', 100],
    ['cross', 100],
    ['dots', 100],
    ['solid', 60],
    ['wide', 100],
    ['cross', 60],
    ['solid', 35],
    ['dots', 60],
  ],
}

/** Returns the paint of the nth status of a class: the colour of its class in another shade or pattern. */
export function shadeOf(name: keyof typeof CLASS_PAINTS, nth: number): Paint {
  const shades = SHADES[name]
  const [pattern, percent] = shades[nth % shades.length] ?? ['solid', 100]
  const color = percent === 100 ? `var(--${name})` : `color-mix(in srgb, var(--${name}) ${percent}%, var(--ground))`
  return { color, pattern }
}

const SIZE = 6

/** Returns the paint as a background of CSS. */
export function cssPaint({ color, pattern }: Paint): string {
  const ground = 'var(--ground)'
  if (pattern === 'hatch') return `repeating-linear-gradient(135deg, ${color} 0 3px, ${ground} 3px 5px)`
  if (pattern === 'wide') return `repeating-linear-gradient(135deg, ${color} 0 2px, ${ground} 2px 6px)`
  if (pattern === 'cross')
    return `repeating-linear-gradient(45deg, ${ground} 0 1px, transparent 1px 4px), repeating-linear-gradient(135deg, ${ground} 0 1px, ${color} 1px 4px)`
  if (pattern === 'dots') return `radial-gradient(circle, ${color} 1.2px, ${ground} 1.4px) 0 0 / 4px 4px`
  return color
}

/** Returns the paint for a canvas. `resolve` returns the value of a colour that uses variables. */
export function canvasPaint({ color, pattern }: Paint, resolve: (color: string) => string): CanvasPattern | string {
  const ink = resolve(color)
  if (pattern === 'solid') return ink
  return tiled((context) => {
    context.fillStyle = pattern === 'cross' ? ink : resolve('var(--ground)')
    context.fillRect(0, 0, SIZE, SIZE)
    context.strokeStyle = pattern === 'cross' ? resolve('var(--ground)') : ink
    context.lineWidth = { hatch: 3, wide: 1.5, cross: 1, dots: 0 }[pattern]
    if (pattern === 'dots') {
      context.fillStyle = ink
      for (const at of [0, 3]) context.fillRect(at, at, 2, 2)
      return
    }
    for (const shift of [-SIZE, 0, SIZE]) {
      context.moveTo(shift - 1, SIZE + 1)
      context.lineTo(shift + SIZE + 1, -1)
      if (pattern !== 'cross') continue
      context.moveTo(shift - 1, -1)
      context.lineTo(shift + SIZE + 1, SIZE + 1)
    }
    context.stroke()
  }, ink)
}

/** Returns stripes without a ground, which mark what is unfinished. */
export function stripes(ink: string): CanvasPattern | string {
  return tiled((context) => {
    context.strokeStyle = ink
    context.lineWidth = 1
    for (const shift of [-SIZE, 0, SIZE]) {
      context.moveTo(shift - 1, -1)
      context.lineTo(shift + SIZE + 1, SIZE + 1)
    }
    context.stroke()
  }, 'transparent')
}

function tiled(draw: (context: CanvasRenderingContext2D) => void, fallback: string): CanvasPattern | string {
  const tile = document.createElement('canvas')
  tile.width = SIZE
  tile.height = SIZE
  const context = tile.getContext('2d')
  if (context === null) return fallback
  draw(context)
  return context.createPattern(tile, 'repeat') ?? fallback
}

/** Returns the value of a colour that uses variables, as an element sees it. */
export function resolverOf(element: HTMLElement): (color: string) => string {
  return (color) => {
    const probe = document.createElement('span')
    probe.style.color = color
    element.append(probe)
    const value = getComputedStyle(probe).color
    probe.remove()
    return value
  }
}
