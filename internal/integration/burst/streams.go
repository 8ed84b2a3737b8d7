package burst

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// streams are requests on one HTTP/2 connection. The last frames of all of
// them wait in one buffer, which is a packet of a few hundred bytes.
type streams struct {
	conn   *tls.Conn
	framer *http2.Framer
	last   bytes.Buffer
	ids    map[uint32]int // index of each stream's request
}

func aimStreams(tb testing.TB, s *Server, requests []Request) shot {
	tb.Helper()
	conn, err := s.dial()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &streams{conn: conn, framer: http2.NewFramer(conn, conn), ids: make(map[uint32]int)}
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := c.aim(requests); err != nil {
		tb.Fatal(err)
	}
	return c
}

func (c *streams) aim(requests []Request) error {
	if _, err := io.WriteString(c.conn, http2.ClientPreface); err != nil {
		return err
	}
	if err := c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}); err != nil {
		return err
	}
	if err := c.framer.WriteWindowUpdate(0, 1<<24); err != nil {
		return err
	}
	last := http2.NewFramer(&c.last, nil)
	var block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	// Streams are numbered in the order in which they are sent, and the
	// compression of their headers depends on it: first what is sent now, then
	// what is sent last.
	for _, now := range []bool{true, false} {
		for i, r := range requests {
			if (r.Body != "") != now {
				continue
			}
			block.Reset()
			if err := r.encode(headers); err != nil {
				return err
			}
			id := uint32(2*len(c.ids) + 1)
			c.ids[id] = i
			head := http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: !now}
			if !now {
				if err := last.WriteHeaders(head); err != nil {
					return err
				}
				continue
			}
			if err := c.framer.WriteHeaders(head); err != nil {
				return err
			}
			most := len(r.Body) - 1
			if err := c.framer.WriteData(id, false, []byte(r.Body[:most])); err != nil {
				return err
			}
			if err := last.WriteData(id, true, []byte(r.Body[most:])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r Request) encode(headers *hpack.Encoder) error {
	fields := []hpack.HeaderField{
		{Name: ":method", Value: r.Method}, {Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "burst.example"}, {Name: ":path", Value: r.Path},
	}
	if r.Body != "" {
		fields = append(fields, hpack.HeaderField{Name: "content-length", Value: strconv.Itoa(len(r.Body))})
	}
	for name, values := range r.Header {
		for _, v := range values {
			fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: v})
		}
	}
	for _, f := range fields {
		if err := headers.WriteField(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *streams) fire() error {
	_, err := c.conn.Write(c.last.Bytes())
	return err
}

func (c *streams) answers() ([]Answer, error) {
	answers := make([]Answer, len(c.ids))
	for open := len(c.ids); open > 0; {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return nil, fmt.Errorf("%d streams without an answer: %w", open, err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				if err := c.framer.WriteSettingsAck(); err != nil {
					return nil, err
				}
			}
			continue
		case *http2.MetaHeadersFrame:
			a := &answers[c.ids[f.StreamID]]
			a.Header = make(http.Header)
			for _, field := range f.RegularFields() {
				a.Header.Add(field.Name, field.Value)
			}
			if a.Status, err = strconv.Atoi(f.PseudoValue("status")); err != nil {
				return nil, err
			}
		case *http2.DataFrame:
			answers[c.ids[f.StreamID]].Body += string(f.Data())
		case *http2.RSTStreamFrame:
			return nil, fmt.Errorf("stream %d was reset: %v", f.StreamID, f.ErrCode)
		case *http2.GoAwayFrame:
			return nil, fmt.Errorf("the server goes away: %v", f.ErrCode)
		}
		if h := frame.Header(); h.StreamID != 0 && h.Flags.Has(http2.FlagDataEndStream) { // of headers, too
			open--
		}
	}
	return answers, c.conn.Close()
}
