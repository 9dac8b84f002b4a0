# SPDX-License-Identifier: Apache-2.0
# Workers for parsers in Ruby: ruby.rb PARSER. See ../README.md.
require 'base64'
require 'stringio'

def leaf(value)
  return value if value.nil? || value.is_a?(String)
  return value.map { |v| leaf(v) }.join(',') if value.is_a?(Array)
  value.key?(:tempfile) || value.key?('tempfile') ? nil : "#{value.inspect}" # a file has no value
end

# user[email] is params['user']['email'].
def dig(params, name)
  name.scan(/[^\[\]]+/).reduce(params) { |at, key| at.is_a?(Hash) ? at[key] : nil }
end

PARSERS = {
  'rack' => lambda do
    require 'rack'
    lambda do |type, body, name|
      query = type == '?'
      env = { 'REQUEST_METHOD' => 'POST', 'CONTENT_TYPE' => type, 'CONTENT_LENGTH' => body.bytesize.to_s,
              'QUERY_STRING' => query ? body : '', 'rack.input' => StringIO.new(body), 'rack.errors' => StringIO.new }
      request = Rack::Request.new(env)
      [leaf(dig(query ? request.GET : request.POST, name))]
    end
  end,
  'cgi.rb' => lambda do
    require 'cgi'
    lambda do |type, body, name|
      env = { 'REQUEST_METHOD' => 'POST', 'CONTENT_TYPE' => type, 'CONTENT_LENGTH' => body.bytesize.to_s }
      env = { 'REQUEST_METHOD' => 'GET', 'QUERY_STRING' => body } if type == '?'
      old = $stdin
      $stdin = StringIO.new(body)
      saved = ENV.to_h
      env.each { |k, v| ENV[k] = v }
      begin
        values = CGI.new(accept_charset: 'UTF-8').params[name] || []
        values.map { |v| v.respond_to?(:read) ? v.read : v }
      ensure
        ENV.replace(saved)
        $stdin = old
      end
    end
  end
}.freeze

abort "usage: ruby.rb #{PARSERS.keys.join('|')}" unless PARSERS.key?(ARGV[0])
read = PARSERS[ARGV.shift].call
input = $stdin.dup
output = $stdout.dup
$stderr.reopen('/dev/null')
input.each_line do |line|
  type, body, name = line.split.map { |w| w == '-' ? +'' : Base64.decode64(w) }
  begin
    values = read.call(type.b, body.b, name.force_encoding('UTF-8')).compact
    words = values.map { |v| v.empty? ? '-' : Base64.strict_encode64(v) }
    answer = words.empty? ? 'N' : "V #{words.join(' ')}"
  rescue Exception => e # whatever it is, the application answers 400 or 500
    answer = "E #{e.class} #{e.message}".b.gsub(/[^ -~]+/n, ' ')[0, 80]
  end
  output.write(answer + "\n")
  output.flush
end
