package captcha

import (
	"bytes"
	"image"
	"image/png"
	"sync"
)

// pngEncoder writes PNGs fast and keeps its buffers. Its zero value is ready
// and may be used concurrently.
type pngEncoder struct{ buffers sync.Pool }

func (e *pngEncoder) encode(m image.Image) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(4 << 10)
	// The default level packs harder, at three times the cost.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: e}
	err := encoder.Encode(&out, m)
	return out.Bytes(), err
}

// Get and Put make it a png.EncoderBufferPool.
func (e *pngEncoder) Get() *png.EncoderBuffer {
	b, _ := e.buffers.Get().(*png.EncoderBuffer)
	return b
}

func (e *pngEncoder) Put(b *png.EncoderBuffer) { e.buffers.Put(b) }
