// Two ways to use a page: `press(id)` a link or button, `type(id, text)` into a field.
import assert from 'node:assert/strict';

/** With a mouse or a finger, and a keyboard for text. */
export const pointer = {
  name: 'pointer',
  on: (page) => ({
    press: (id) => page.locator(`#${id}`).click(),
    type: async (id, text) => {
      await page.locator(`#${id}`).click({ clickCount: 3 });
      await page.keyboard.type(text);
    },
  }),
};

/** With the keyboard alone: Tab until the element has the focus, which must be visible, then Enter. */
export const keyboard = {
  name: 'keyboard',
  on: (page) => {
    const reach = async (id) => {
      await page.locator(`#${id}`).waitFor();
      for (let tabs = 0; tabs < 60; tabs += 1) {
        const focus = await page.evaluate(describeFocus);
        if (focus.id === id) {
          assert.ok(focus.visible, `the focus on #${id} must be visible`);
          return;
        }
        await page.keyboard.press('Tab');
      }
      assert.fail(`#${id} cannot be reached with the Tab key`);
    };
    return {
      press: async (id) => {
        await reach(id);
        await page.keyboard.press('Enter');
      },
      type: async (id, text) => {
        await reach(id);
        await page.keyboard.press('Control+A');
        await page.keyboard.type(text);
      },
    };
  },
};

function describeFocus() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  return { id: element.id, visible: outlined || style.boxShadow !== 'none' };
}
