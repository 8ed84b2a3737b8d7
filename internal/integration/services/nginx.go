package services

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// Nginx is a reverse proxy.
type Nginx struct {
	*program.Process
	Addr string
}

const nginxConfig = `
daemon off;
master_process off; # or ending it would leave a worker behind
pid %[1]s/pid;
error_log stderr;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	%[2]s
}
`

const nginxSite = `
	upstream app {
		server %[2]s;
		keepalive 1;
	}
	server {
		listen %[1]s;
		location / {
			proxy_pass http://app;
			proxy_http_version 1.1;
			proxy_request_buffering off;
			proxy_set_header Host $host;
			proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
		}
	}
`

// StartNginx starts a proxy in front of the server at an address, to which it
// keeps connections open for whoever comes next.
func StartNginx(tb testing.TB, upstream string) *Nginx {
	tb.Helper()
	addr := FreeAddr(tb)
	return StartNginxWith(tb, addr, fmt.Sprintf(nginxSite, addr, upstream))
}

// StartNginxWith starts nginx with sites of its configuration, one of which
// listens on addr.
func StartNginxWith(tb testing.TB, addr, sites string) *Nginx {
	tb.Helper()
	path := installed(tb, "nginx")
	dir := directory(tb, "nginx")
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, sites), 0o644); err != nil {
		tb.Fatal(err)
	}
	n := &Nginx{run(tb, dir, exec.Command(path, "-p", dir, "-c", config)), addr}
	n.Await(tb, dials(addr))
	return n
}
