import type { Page } from 'playwright-core'

/**
 * Returns what is wrong with the layout of a page, or of the dialog that is open: parts wider than their place, text that
 * is cut, and texts over each other.
 */
export async function layoutFaults(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`(${FIND_FAULTS})()`)) as readonly string[]
}

// It runs in the page, where these tests have no types.
const FIND_FAULTS = `() => {
  const faults = []
  const root = document.querySelector('dialog[open]') ?? document.body
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) faults.push('the page is ' + scrollWidth + ' pixels wide in ' + clientWidth)
  const clipped = new Map([[null, false]])
  const isClipped = (element) => {
    if (!clipped.has(element))
      clipped.set(element, getComputedStyle(element).clipPath !== 'none' || isClipped(element.parentElement))
    return clipped.get(element)
  }
  const clipsOf = (element) => {
    if (element === root) return []
    if (!clips.has(element)) {
      const outer = clipsOf(element.parentElement)
      const isOne = getComputedStyle(element).overflowX !== 'visible'
      clips.set(element, isOne ? [...outer, element.getBoundingClientRect()] : outer)
    }
    return clips.get(element)
  }
  const clips = new Map()
  const isShown = (element) => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false
    if (root === document.body && element.closest('dialog') !== null) return false
    return !isClipped(element)
  }
  const nameOf = (element) => element.tagName.toLowerCase() + '.' + element.className + ' "' + element.textContent.slice(0, 40) + '"'
  for (const element of root.querySelectorAll('*')) {
    // The band reaches from edge to edge of the window, and a mark beyond its lane. Long lines are shortened visibly.
    if (element instanceof SVGElement || element.matches('main, canvas, .text, .span-what, .lanes, .lane, .track-frame') || !isShown(element)) continue
    const { display } = getComputedStyle(element)
    if (display === 'inline' || element.clientWidth === 0) continue
    if (element.scrollWidth > element.clientWidth + 1)
      faults.push(nameOf(element) + ' needs ' + element.scrollWidth + ' pixels and has ' + element.clientWidth)
  }
  const boxes = []
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    if (text.textContent.trim() === '' || !isShown(text.parentElement) || text.parentElement.closest('.readout, .lane-note, .fresh, .scroll thead')) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    for (const box of range.getClientRects()) {
      const seen = clipsOf(text.parentElement).reduce((seen, clip) => ({
        left: Math.max(seen.left, clip.left),
        right: Math.min(seen.right, clip.right),
        top: Math.max(seen.top, clip.top),
        bottom: Math.min(seen.bottom, clip.bottom),
      }), box)
      if (seen.right > seen.left && seen.bottom > seen.top)
        boxes.push({ left: seen.left, right: seen.right, top: seen.top, bottom: seen.bottom, text })
    }
  }
  boxes.sort((a, b) => a.top - b.top)
  for (const [at, upper] of boxes.entries()) {
    for (let next = at + 1; next < boxes.length && boxes[next].top < upper.bottom - 4; next += 1) {
      const lower = boxes[next]
      const width = Math.min(upper.right, lower.right) - Math.max(upper.left, lower.left)
      if (lower.text !== upper.text && width > 2)
        faults.push('"' + upper.text.textContent.slice(0, 40) + '" is over "' + lower.text.textContent.slice(0, 40) + '"')
    }
  }
  return faults.slice(0, 20)
}`
