// SPDX-License-Identifier: Apache-2.0
// Refreshes the page in place every five seconds: asks for it again and makes each region's nodes like the new ones, so that
// scroll position, focus, open details and typed text stay. The page needs none of this. It is fetched as a document, not
// as a text, so no text is ever parsed as markup here (Trusted Types).
"use strict";
(() => {
    const EVERY = 5000;
    const LATE = 10000;
    const HELD = 3;
    const REGIONS = ["state", "when", "now", "traffic", "rules", "stores"];
    const byId = (id) => document.getElementById(id);
    let timer = 0;
    let asking = null;
    let paused = false;
    let held = 0;

    // ---- making a node like another one ----

    const isLike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.id === b.id;

    // Whether a <details> is open is the reader's choice.
    const isKept = (node, name) => name === "open" && node.nodeName === "DETAILS";

    function likenAttributes(have, want) {
        for (const { name } of Array.from(have.attributes)) {
            if (!want.hasAttribute(name) && !isKept(have, name)) have.removeAttribute(name);
        }
        for (const { name, value } of want.attributes) {
            if (have.getAttribute(name) !== value && !isKept(have, name)) have.setAttribute(name, value);
        }
    }

    // The child of `have` that becomes `next`: the one with its id, else the one at its place.
    function counterpart(have, at, next) {
        if (next.id) {
            const same = byId(next.id);
            return same && same.parentNode === have ? same : null;
        }
        return at && isLike(at, next) ? at : null;
    }

    function liken(have, want) {
        if (have.nodeType !== Node.ELEMENT_NODE) {
            if (have.data !== want.data) have.data = want.data;
            return;
        }
        likenAttributes(have, want);
        let at = have.firstChild;
        for (const next of Array.from(want.childNodes)) {
            const same = counterpart(have, at, next);
            if (!same) {
                have.insertBefore(document.adoptNode(next), at);
                continue;
            }
            if (same !== at) have.insertBefore(same, at);
            liken(same, next);
            at = same.nextSibling;
        }
        while (at) {
            const gone = at;
            at = at.nextSibling;
            gone.remove();
        }
    }

    // A node that was moved has lost the focus; for one that is gone, its region gets it.
    function keepFocus(change) {
        const focused = document.activeElement;
        const region = focused && focused.closest("main > section");
        change();
        if (!focused || focused === document.activeElement || focused === document.body) return;
        const target = focused.isConnected ? focused : region;
        if (target) target.focus({ preventScroll: true });
    }

    function show(fresh) {
        keepFocus(() => {
            for (const id of REGIONS) liken(byId(id), fresh.getElementById(id));
        });
        if (document.title !== fresh.title) document.title = fresh.title;
    }

    // ---- asking ----

    const tell = (text) => {
        if (trouble.textContent !== text) trouble.textContent = text;
    };
    const lastTime = () => byId("when").querySelector("time").textContent + " UTC";
    const failed = (why) => tell(why + " Last refreshed at " + lastTime() + "; trying again every 5 seconds.");

    function answered(request) {
        const fresh = request.response;
        if (request.status !== 200) return failed("The server answers " + request.status + ".");
        if (!fresh || !REGIONS.every((id) => fresh.getElementById(id))) {
            return failed("The answer isn't this page; perhaps you were signed out.");
        }
        show(fresh);
        tell("");
    }

    function ask() {
        const request = new XMLHttpRequest();
        asking = request;
        request.open("GET", location.pathname + location.search);
        request.responseType = "document";
        request.timeout = LATE;
        request.onload = () => answered(request);
        request.onerror = request.ontimeout = () => failed("The server does not answer any more.");
        request.onloadend = () => {
            if (asking !== request) return;
            asking = null;
            later();
        };
        request.send();
    }

    // ---- when ----

    function stop() {
        clearTimeout(timer);
        const request = asking;
        asking = null;
        if (request) request.abort();
    }

    function later() {
        clearTimeout(timer);
        if (!paused && !document.hidden) timer = setTimeout(tick, EVERY);
    }

    // Rows may change places: not under the pointer of somebody who is about to press a button. One that has rested there
    // for long was left there.
    function tick() {
        held = document.querySelector("button[name=action]:hover") ? held + 1 : 0;
        if (held > 0 && held <= HELD) later();
        else ask();
    }

    function resume() {
        stop();
        if (!paused && !document.hidden) ask();
    }

    const button = document.createElement("button");
    button.type = "button";
    button.id = "pause";
    button.textContent = "Pause";
    button.title = "The page refreshes itself every 5 seconds";
    button.addEventListener("click", () => {
        paused = !paused;
        button.textContent = paused ? "Resume" : "Pause";
        resume();
    });
    const trouble = document.createElement("p");
    trouble.id = "trouble";
    trouble.setAttribute("role", "status");
    byId("when").after(button);
    document.querySelector("header").after(trouble);

    document.addEventListener("visibilitychange", resume);
    document.addEventListener("submit", stop);
    addEventListener("pageshow", (event) => event.persisted && resume());

    // Reloading a page that answers a form would send the form again.
    const deed = document.querySelector("#deed > p");
    if (deed) {
        history.replaceState(null, "", location.href);
        deed.focus();
    }
    later();
})();
