import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LIMITS } from '../src/proto/layout'
import { shrunk } from '../src/room/images'

let size = { width: 800, height: 600 }

/** A browser that reads every picture but one of this type. */
beforeEach(() => {
  size = { width: 800, height: 600 }
  vi.stubGlobal('createImageBitmap', async (file: Blob) => {
    if (file.type === 'image/heic') throw new Error('unreadable')
    return { ...size, close() {} }
  })
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {}
      getContext = () => ({ fillRect() {}, drawImage() {} })
      convertToBlob = async ({ type }: { type: string }) => new Blob([`${this.width} × ${this.height}`], { type })
    },
  )
})
afterEach(() => vi.unstubAllGlobals())

const file = (type: string, bytes = 100) => new Blob([new Uint8Array(bytes)], { type })

test('what is small is sent as it is, if the server reads its kind', async () => {
  for (const type of ['image/jpeg', 'image/png', 'image/webp']) {
    const small = file(type)
    expect(await shrunk(small), type).toBe(small)
  }
  for (const type of ['image/gif', 'image/avif', 'image/bmp', '']) expect((await shrunk(file(type))).type, type).toBe('image/jpeg')
})

test('what is large is made smaller, and what the browser cannot read is left to the server', async () => {
  expect((await shrunk(file('image/png', 500_000))).type).toBe('image/jpeg')
  size = { width: 2 * LIMITS.IMAGE_SIDE_MAX, height: 100 }
  expect(await (await shrunk(file('image/jpeg'))).text()).toBe(`${LIMITS.IMAGE_SIDE_MAX} × 50`)
  const unreadable = file('image/heic')
  expect(await shrunk(unreadable)).toBe(unreadable)
})
