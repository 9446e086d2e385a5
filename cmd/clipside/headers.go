package main

import (
	"fmt"
	"net/http"
	"strings"
)

// contentSecurityPolicy is the page's own, from its <meta>, for everything else that is served.
const contentSecurityPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'"

// securityHeaders come with every answer, from clipside serve as from the hosts that a built page has files for.
var securityHeaders = []struct{ name, value string }{
	// Who may show the page in a frame cannot be told by a <meta>.
	{"Content-Security-Policy", contentSecurityPolicy + "; frame-ancestors 'self'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	// Isolated from other origins the page gets fine clocks and may measure its own memory.
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Embedder-Policy", "require-corp"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=()"},
}

const (
	// cacheForever is for files that are named by their content.
	cacheForever = "public, max-age=31536000, immutable"

	// cacheAsk is for all others: kept, but asked for again. The answer is mostly 304.
	cacheAsk = "no-cache"
)

func setSecurityHeaders(h http.Header) {
	for _, s := range securityHeaders {
		h.Set(s.name, s.value)
	}
}

// headersFile is the built page's _headers, which Netlify, Cloudflare Pages and others read.
func headersFile() string {
	var b strings.Builder
	b.WriteString("# What static hosts that read this file send with the page. Caching is theirs, but for what never changes.\n/*\n")
	for _, s := range securityHeaders {
		fmt.Fprintf(&b, "  %s: %s\n", s.name, s.value)
	}
	fmt.Fprintf(&b, "\n/*.zst\n  Cache-Control: %s\n", cacheForever)
	return b.String()
}

// nginxFile is a snippet for nginx that sends what clipside serve sends.
func nginxFile() string {
	var headers strings.Builder
	for _, s := range securityHeaders {
		fmt.Fprintf(&headers, "\tadd_header %s \"%s\" always;\n", s.name, s.value)
	}
	// add_header in a location replaces all that are inherited, so they are written out in each.
	return fmt.Sprintf(`# clipside for nginx: include it in a server block, with the path that the page has there and the directory that
# clipside build made.
location / {
	root /var/www/clipside;
	types {
		text/html html;
		text/css css;
		text/javascript js;
		application/json json;
		application/manifest+json webmanifest;
		application/wasm wasm;
		text/plain md txt;
		image/svg+xml svg;
		image/png png;
		image/jpeg jpg;
	}
	default_type application/octet-stream;
	charset utf-8;
	gzip on;
	gzip_types text/css text/javascript application/json application/manifest+json application/wasm text/plain image/svg+xml;

%[1]s	add_header Cache-Control "%[2]s";

	# Weights are named by their content. The browser decompresses them itself.
	location ~ "/[0-9a-f]{64}(\.json)?\.zst$" {
		gzip off;
%[4]s		add_header Cache-Control "%[3]s";
	}
}
`, headers.String(), cacheAsk, cacheForever, strings.ReplaceAll(headers.String(), "\t", "\t\t"))
}
