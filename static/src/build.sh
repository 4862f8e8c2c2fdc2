#!/bin/sh
# Rebuilds static/vendor and tests/vendor from the pinned packages of package-lock.json.
# Needs Node and npm at build time only; what it makes is committed, nothing is fetched at run
# time. Works in a temporary folder so that no node_modules lies beneath a served folder.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$here"/*.scss "$work/"
cd "$work"
npm ci --silent --ignore-scripts

version() { node -p "require('$work/node_modules/$1/package.json').version"; }
modules="$work/node_modules"

# The kit's own stylesheet names the font's folder: refuse to build a sheet that would miss it.
inter="inter-$(version @fontsource-variable/inter)"
grep -q "$inter/" _inter.scss || { echo "_inter.scss does not name $inter" >&2; exit 1; }

vendor="$root/static/vendor"
rm -rf "$vendor"
kit="$vendor/nhsuk-frontend-$(version nhsuk-frontend)"
mkdir -p "$kit/images" "$vendor/$inter"

"$modules/.bin/sass" --load-path=node_modules --style=compressed --no-source-map --no-charset \
  kit.scss "$kit/kit.css"
sed 's|//# sourceMappingURL=.*||' "$modules/nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.js" \
  > "$kit/nhsuk-frontend.min.js"
for icon in $(grep -o 'images/[a-z-]*\.svg' "$kit/kit.css" | sort -u); do
  cp "$modules/nhsuk-frontend/dist/nhsuk/assets/$icon" "$kit/images/"
done
cp "$here/nhsuk-frontend-LICENSE" "$kit/LICENSE"

for script in latin latin-ext greek cyrillic; do
  cp "$modules/@fontsource-variable/inter/files/inter-$script-wght-normal.woff2" "$vendor/$inter/"
done
cp "$modules/@fontsource-variable/inter/LICENSE" "$vendor/$inter/LICENSE"

htmx="$vendor/htmx-$(version htmx.org)"
mkdir -p "$htmx"
sed 's|//# sourceMappingURL=.*||' "$modules/htmx.org/dist/htmx.min.js" > "$htmx/htmx.min.js"
cp "$modules/htmx.org/LICENSE" "$htmx/LICENSE"

# Fonts of the PDF pages: typst reads TrueType alone. Never asked for by a browser.
for face in inter:Inter noto-sans-arabic:NotoSansArabic noto-sans-hebrew:NotoSansHebrew; do
  package="@expo-google-fonts/${face%%:*}"
  font="$vendor/pdf-${face%%:*}-$(version "$package")"
  mkdir -p "$font"
  for weight in 400Regular 600SemiBold; do
    cp "$modules/$package/$weight/${face##*:}_$weight.ttf" "$font/"
  done
  cp "$modules/$package/LICENSE_FONT" "$font/LICENSE"
done

# axe-core checks pages in browser tests; it is never served.
rm -rf "$root/tests/vendor"
axe="$root/tests/vendor/axe-core-$(version axe-core)"
mkdir -p "$axe"
cp "$modules/axe-core/axe.min.js" "$axe/"
cp "$modules/axe-core/LICENSE" "$axe/LICENSE"
cp "$modules/axe-core/LICENSE-3RD-PARTY.txt" "$axe/"

cd "$root"
find static/vendor tests/vendor -type f ! -name CHECKSUMS.txt | LC_ALL=C sort \
  | xargs sha256sum > static/vendor/CHECKSUMS.txt
