// SPDX-License-Identifier: Apache-2.0
// The worker for Go's net/http. See ../README.md.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func decode(word string) []byte {
	data, _ := base64.StdEncoding.DecodeString(word)
	return data
}

func encode(value string) string {
	if value == "" {
		return "-"
	}
	return base64.StdEncoding.EncodeToString([]byte(value))
}

func read(contentType, body []byte, name string) ([]string, error) {
	if string(contentType) == "?" {
		r := &http.Request{Method: "GET", URL: &url.URL{RawQuery: string(body)}}
		err := r.ParseForm()
		if len(r.Form[name]) == 0 {
			return nil, err
		}
		return r.Form[name], nil
	}
	r, err := http.NewRequest("POST", "http://a/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", string(contentType))
	err = r.ParseMultipartForm(1 << 20)
	if err == http.ErrNotMultipart {
		err = nil
	}
	// PostFormValue, which most programs call, ignores errors.
	values := r.PostForm[name]
	if len(values) == 0 && r.MultipartForm != nil {
		values = r.MultipartForm.Value[name]
	}
	if len(values) == 0 {
		return nil, err
	}
	return values, nil
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		var data [3][]byte
		for i := range data {
			if words[i] != "-" {
				data[i] = decode(words[i])
			}
		}
		values, err := read(data[0], data[1], string(data[2]))
		switch {
		case err != nil:
			fmt.Printf("E %s\n", strings.Map(func(c rune) rune {
				if c < ' ' || c > '~' {
					return '?'
				}
				return c
			}, err.Error()))
		case len(values) == 0:
			fmt.Println("N")
		default:
			for i := range values {
				values[i] = encode(values[i])
			}
			fmt.Println("V", strings.Join(values, " "))
		}
	}
}
