package auth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// dial opens a connection to the login, for what no client would send.
func (k *kit) dial() net.Conn {
	k.Helper()
	conn, err := k.http.Transport.(*http.Transport).DialContext(k.Context(), "tcp", "app.example:80")
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { _ = conn.Close() })
	return conn
}

// rawHeaders are the lines of a good request, by the names of its headers.
func (k *kit) rawHeaders() map[string]string {
	lines := make(map[string]string)
	for name, value := range map[string]string{
		"Host": "app.example", "Connection": "close", "Content-Type": "application/json", "X-operating-sys-version": "windows10.1.1", "X-agent": "Mozilla/5.0",
		"X-device-fingerprint": k.device, "X-client-id": k.client, "X-Forwarded-For": k.peer,
	} {
		lines[name] = name + ": " + value + "\r\n"
	}
	return lines
}

// speak sends these very bytes and reads the one answer to them.
func (k *kit) speak(start string, lines map[string]string, body string) answer {
	k.Helper()
	return k.speakAs("HTTP/1.1", start, lines, body)
}

// speakAs is speak in a version of HTTP.
func (k *kit) speakAs(version, start string, lines map[string]string, body string) answer {
	k.Helper()
	conn := k.dial()
	text := start + " " + version + "\r\n"
	for _, line := range lines {
		text += line
	}
	if body != "" {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	go func() { _, _ = io.WriteString(conn, text+"\r\n"+body) }() // the server may have heard enough before
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		k.Fatalf("%q: %v", text, err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if rest, _ := io.ReadAll(reader); err != nil || len(rest) > 0 {
		k.Errorf("%q: %v, and then %q", text, err, rest)
	}
	return answer{res.StatusCode, res.Header, read}
}

// isOurs is false for what net/http answers before anybody else sees the request.
func isOurs(a answer) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "application/json")
}
