// A picture before it is sent: as small as it is shown, so that a slow line has less to carry.

import { LIMITS } from '../proto/layout'

/** Above this a file is worth the work even where the picture is small. */
const SMALL_BYTES = 400_000
const QUALITY = 0.85
/** What the server reads. */
const READ = ['image/jpeg', 'image/png', 'image/webp']

/** The picture, upright, as JPEG of the size that is kept; the file itself where the browser cannot read it, or it is small already and of a kind that is sent. */
export async function shrunk(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => undefined)
  if (!bitmap) return file
  try {
    const scale = Math.min(1, LIMITS.IMAGE_SIDE_MAX / Math.max(bitmap.width, bitmap.height))
    if (scale === 1 && file.size <= SMALL_BYTES && READ.includes(file.type)) return file
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)))
    const context = canvas.getContext('2d')
    if (!context) return file
    context.fillStyle = 'white'
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })
  } finally {
    bitmap.close()
  }
}
